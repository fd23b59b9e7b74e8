package dev.sluice.zram;

/**
 * What keeps recompression and writeback from harm. All are on; a test takes one away to see the
 * harm done, and that it is found.
 *
 * @param unchanged a slot gets its new content only if it was not used meanwhile
 * @param pinned a block that is being read is given to nobody else
 */
record Guards(boolean unchanged, boolean pinned) {
    static final Guards ALL = new Guards(true, true);
}
