package dev.sluice.block;

/** A FUA change for a target without FUA: the change, and then a flush. */
final class Fua implements Bio.End {
    private final Device device;
    private final Bio bio;
    private final Bio step = new Bio(this);
    private boolean flushing;

    Fua(Device device, Bio bio) {
        this.device = device;
        this.bio = bio;
    }

    void start() {
        step.set(bio.op(), bio.offset(), bio.length(), false, bio.data(), bio.dataAt(),
                bio.caller()).request(bio.request());
        device.carry(step);
        if (step.release()) {
            ended(step);
        }
    }

    @Override
    public void ended(Bio ended) {
        if (step.outcome() != Errno.OK) {
            if (flushing && step.outcome() != Errno.EINTR) {
                device.flushFailed(step.outcome());
            }
            bio.fail(step.outcome());
        } else if (flushing) {
            // Another flush may have been told of the failure that concerns this write.
            bio.fail(device.flushFailed() ? Errno.EIO : Errno.OK);
        } else {
            flushing = true;
            step.set(Op.FLUSH, 0, 0, false, null, 0, bio.caller()).request(bio.request());
            device.issue(step);
            if (step.release()) {
                ended(step);
            }
        }
    }
}
