package dev.sluice.fuse;

import dev.sluice.block.Memory;

/**
 * Where a session thread's next message lands: in a slot with room for the largest. While requests
 * are small and go on in slots of their own, the message begins in one of the size of the last, and
 * only what does not fit there lands in the large one: the data of a small write stays where it
 * came, and nothing is copied out.
 *
 * <p>One thread's.
 */
final class Landing {
    /** Where a message begins, so that the data of a WRITE begins on a page. */
    static final int MESSAGE = Slot.DATA - Wire.WRITE_HEADER;
    /** Up to this size data gets a slot of its size. */
    static final int SMALL = 16 << 10;

    private static final int ROOM = Wire.WRITE_HEADER + Wire.LARGEST_WRITE;

    private final SlotPool slots;
    /** Null from when it is another's, as far as is known: the next turn takes another. */
    private Slot whole;
    /** Null where messages land in the other alone. */
    private Slot ahead;
    /** Bytes of data there is to be room for ahead; negative: nothing is to be ahead. */
    private int expected = -1;
    /** Where the message is, until the request has a slot of its own. */
    private Slot at;
    private int length;

    Landing(SlotPool slots) {
        this.slots = slots;
    }

    /** Takes what the next message needs. */
    void ready() {
        if (whole == null) {
            whole = slots.take(Wire.LARGEST_WRITE);
        }
        if (ahead == null && expected >= 0) {
            ahead = slots.take(expected);
        }
        if (ahead != null) {
            ahead.vector(0, ahead.memory().address() + MESSAGE, front());
            ahead.vector(1, whole.memory().address() + MESSAGE + front(), ROOM - front());
        }
    }

    /** How much of a message there is room for ahead. */
    private int front() {
        return Wire.WRITE_HEADER + ahead.room();
    }

    /** As {@link Channel#read}. */
    int read(Channel channel) {
        return ahead == null ? channel.read(whole.memory().address() + MESSAGE, ROOM)
                : channel.readv(ahead.vector(), 2);
    }

    /** What is free from {@link #MESSAGE} on until a message has been read. */
    Memory scratch() {
        return whole.memory();
    }

    /** A message of so many bytes was read: the slot that has all of it. */
    Slot landed(int bytes) {
        length = bytes;
        at = ahead == null ? whole : ahead;
        return ahead != null && bytes > front() ? settle() : at;
    }

    /**
     * Brings the message to the large slot, which stays this thread's, and has those to come land
     * there too.
     */
    Slot settle() {
        if (at == ahead) {
            whole.memory().copyFrom(MESSAGE, ahead.memory(), MESSAGE, Math.min(length, front()));
            whole.request(ahead);
            at = whole;
        }
        giveAhead();
        expected = -1;
        return whole;
    }

    /**
     * A slot for the request to go on in, no longer this thread's.
     *
     * @param room bytes of data it is to have room for
     * @param data whether these came with the message and are to be there
     */
    Slot own(int room, boolean data) {
        expected = room <= SMALL ? room : -1;
        if (at == ahead && at.room() >= room) {
            ahead = null;
            return at;
        }
        Slot own = slots.take(room);
        own.request(at);
        if (data) {
            own.memory().copyFrom(Slot.DATA, at.memory(), Slot.DATA, room);
        }
        return own;
    }

    /** The large slot, settled in, is no longer this thread's. */
    Slot part() {
        Slot parted = whole;
        whole = null;
        return parted;
    }

    /** It is this thread's again. */
    void back(Slot parted) {
        whole = parted;
    }

    /** There will be no further message. */
    void close() {
        giveAhead();
        if (whole != null) {
            slots.give(part());
        }
    }

    private void giveAhead() {
        if (ahead != null) {
            slots.give(ahead);
            ahead = null;
        }
    }
}
