package dev.sluice.block;

/** What a {@link Bio} asks for. FUA is a modifier of the bio, not an operation. */
public enum Op {
    /** Fill the bio's data from the device. */
    READ,
    /** Store the bio's data on the device. */
    WRITE,
    /** Make durable every write that ended before this bio was submitted. */
    FLUSH,
    /** Zero the range, and give its storage back where that is possible. */
    DISCARD,
    /** Zero the range, and keep its storage. */
    WRITE_ZEROES;

    /** Whether a bio of this operation carries data. */
    public boolean hasData() {
        return this == READ || this == WRITE;
    }

    /** Whether a bio of this operation changes the content of the device. */
    public boolean changes() {
        return this == WRITE || this == DISCARD || this == WRITE_ZEROES;
    }
}
