package dev.sluice.zram;

/**
 * What a disk is made with.
 *
 * @param size bytes, a multiple of the page
 * @param page bytes, a power of two from 4 KiB to 64 KiB
 * @param codec the codec's name
 * @param level the codec's own scale; 0 for its default
 * @param dictionary the codec's dictionary, or null
 * @param dictionaryPath where it is from, for the table line; null without
 * @param writers the most threads that compress at once
 * @param async whether a request is cut and shared among the writers
 * @param memLimit the most bytes of memory for what is stored; 0 for no limit
 * @param later what may happen to pages that are stored
 */
public record Options(long size, int page, String codec, int level, byte[] dictionary,
        String dictionaryPath, int writers, boolean async, long memLimit, Later later) {
    /** The smallest page, in bytes. */
    public static final int LEAST_PAGE = 4096;

    /** There are fewer pages than this: the number of one, plus one, takes 32 bits. */
    public static final long MOST_PAGES = 1L << 32;

    /**
     * What may happen to pages that are stored.
     *
     * @param recompress codecs and times, as in the table; {@code off} for none
     * @param writeback a time, as in the table; {@code off} for never
     * @param backingFile path of what pages are written back to; null for none, or a device
     * @param compressed whether they are written as they are stored
     */
    public record Later(String recompress, String writeback, String backingFile,
            boolean compressed) {
        /** Nothing. */
        public static final Later NOTHING = new Later("off", "off", null, false);
    }
}
