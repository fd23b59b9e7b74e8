package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.file.FileIo;
import java.util.function.Consumer;

/** A request, or a piece of one, on its way to the file; used again and again. */
final class Flight implements Bio.End {
    private final Consumer<Flight> landed;
    /** What goes to the file. */
    final Bio io = new Bio(this);
    /** What it stands for. */
    Bio bio;
    /** The counter that it is in. */
    int epoch;
    /** Whether a word is not in the file yet that it needs. */
    boolean allocated;
    /** The file it goes to. */
    FileIo to;
    /** What that is a part of; null where it is the image that is written. */
    Below below;
    /** Byte of that file. */
    long offset;
    /** The next one that is not in use; guarded by the device's lock. */
    Flight next;

    Flight(Consumer<Flight> landed) {
        this.landed = landed;
    }

    @Override
    public void ended(Bio ended) {
        landed.accept(this);
    }
}
