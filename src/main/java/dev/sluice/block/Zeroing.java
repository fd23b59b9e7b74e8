package dev.sluice.block;

/**
 * WRITE_ZEROES and DISCARD for a target that has neither: zeros are written, one bio after the
 * other, so that a large range needs no more than one at a time.
 */
final class Zeroing implements Bio.End {
    private final Device device;
    private final Bio bio;
    private final Bio step = new Bio(this);
    private final long until;
    private long at;

    /** The range is aligned to blocks; the bio has been held for it. */
    Zeroing(Device device, Bio bio, long from, long until) {
        this.device = device;
        this.bio = bio;
        this.at = from;
        this.until = until;
    }

    void start() {
        while (at < until) {
            int bytes = (int) Math.min(until - at, device.zeros().size());
            step.set(Op.WRITE, at, bytes, bio.fua(), device.zeros(), 0, bio.caller())
                    .request(bio.request());
            at += bytes;
            device.issue(step);
            if (!step.release()) {
                return;
            }
            if (step.outcome() != Errno.OK) {
                break;
            }
        }
        bio.drop(step.outcome());
    }

    @Override
    public void ended(Bio ended) {
        if (step.outcome() == Errno.OK) {
            // Not from within the loop above: that would nest one level a step.
            device.resume(this::start);
        } else {
            bio.drop(step.outcome());
        }
    }
}
