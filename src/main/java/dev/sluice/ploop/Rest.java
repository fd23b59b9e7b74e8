package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;

/**
 * How an image comes to rest once another one stands on it: requests end that are under way,
 * nothing is begun any more, all of it is made durable, and it is closed. Its file stays open, as
 * it is read from above.
 */
final class Rest {
    private final Top top;
    private final Common common;
    /** Null, or how it was made durable; EAGAIN while it is. */
    private volatile Errno outcome;

    Rest(Top top) {
        this.top = top;
        this.common = top.common;
    }

    /** Goes on with it; false where it has to be asked again, once {@code again} was told. */
    boolean step(Runnable again) {
        synchronized (common.lock) {
            if (common.epochs.underWay() > 0 || !top.copies.idle()) {
                return false;
            }
        }
        if (!top.copies.stop(again) || !top.limbo.stop(again) || !top.growth.stop(again)) {
            return false;
        }
        if (outcome == null) {
            outcome = Errno.EAGAIN;
            top.writeback.add(new Wait(null, 0, common.bat.pages(), true, how -> {
                outcome = how;
                again.run();
            }));
        }
        if (outcome == Errno.EAGAIN || !top.writeback.rest(again)) {
            return false;
        }
        top.noSpace.close();
        if (outcome == Errno.OK) {
            top.limbo.finish();
        } else {
            common.image.abandon();
        }
        assert top.check();
        try {
            top.release();
        } catch (BlockException e) {
            // All of it is durable: it is only not known to be at rest.
            common.host.log().error(e.getMessage(), e);
        }
        return true;
    }
}
