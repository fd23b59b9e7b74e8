package dev.sluice.block;

/** The bios that a device has taken and that have not ended, in order of arrival. Its lock's. */
final class InFlight {
    private Bio oldest;
    private Bio newest;
    private int count;

    void add(Bio bio) {
        bio.before = newest;
        bio.after = null;
        if (newest == null) {
            oldest = bio;
        } else {
            newest.after = bio;
        }
        newest = bio;
        count++;
    }

    void remove(Bio bio) {
        if (bio.before == null) {
            oldest = bio.after;
        } else {
            bio.before.after = bio.after;
        }
        if (bio.after == null) {
            newest = bio.before;
        } else {
            bio.after.before = bio.before;
        }
        // A recycled bio must not keep those that came after it from being collected.
        bio.before = null;
        bio.after = null;
        count--;
    }

    /** Null when there is none. */
    Bio oldest() {
        return oldest;
    }

    /** Whether a change has begun that has not ended. */
    boolean changing() {
        for (Bio bio = oldest; bio != null; bio = bio.after) {
            if (bio.op().changes() && bio.blockers == 0) {
                return true;
            }
        }
        return false;
    }

    int count() {
        return count;
    }
}
