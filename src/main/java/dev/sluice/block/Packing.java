package dev.sluice.block;

/**
 * Data that takes other room than its length.
 *
 * @param dataBytes what was written and is still there
 * @param storedBytes what keeping that takes
 */
public record Packing(long dataBytes, long storedBytes) {
    /** Of a target that stores data as it is, or none. */
    public static final Packing NONE = new Packing(0, 0);

    /** How much smaller it got; 0 when nothing is stored. */
    public double ratio() {
        return storedBytes <= 0 ? 0 : (double) dataBytes / storedBytes;
    }
}
