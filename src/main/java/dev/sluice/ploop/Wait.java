package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;

/**
 * Somebody who waits until pages of the table are in the file.
 *
 * @param bio the request; null for somebody else
 * @param from the first page, where it is dirty
 * @param until behind the last one; empty for those that are hastened
 * @param sync whether all has to be durable then
 * @param end told in place of a bio; null for the bio
 */
record Wait(Bio bio, int from, int until, boolean sync, End end) {
    /** What goes on. */
    @FunctionalInterface
    interface End {
        /** Called once, by the thread that wrote. */
        void ended(Errno outcome);
    }

    /** A request that waits for pages. */
    static Wait of(Bio bio, int from, int until, boolean sync) {
        return new Wait(bio, from, until, sync, null);
    }

    /** Somebody who waits for the pages that are hastened. */
    static Wait hastened(boolean sync, End end) {
        return new Wait(null, 0, 0, sync, end);
    }

    /** Tells how it went. */
    void tell(Errno outcome) {
        if (end != null) {
            end.ended(outcome);
        } else if (outcome == Errno.OK) {
            bio.complete();
        } else {
            bio.fail(outcome);
        }
    }
}
