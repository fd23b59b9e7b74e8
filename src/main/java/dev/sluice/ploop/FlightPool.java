package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.file.FileIo;
import java.util.function.Consumer;

/** Flights that are not in use. Guarded by the lock of its device. */
final class FlightPool {
    private static final int MOST_SPARE = 4096;

    private final Consumer<Flight> landed;
    private final Epochs epochs;
    private Flight spare;
    private int spares;

    /** {@code landed} is told of each flight that has come to its end. */
    FlightPool(Epochs epochs, Consumer<Flight> landed) {
        this.epochs = epochs;
        this.landed = landed;
    }

    /** One that is under way from now on, to a byte of the file. */
    Flight take(Bio bio, FileIo to, long offset) {
        Flight flight = spare;
        if (flight == null) {
            flight = new Flight(landed);
        } else {
            spare = flight.next;
            spares--;
        }
        flight.bio = bio;
        flight.to = to;
        flight.offset = offset;
        flight.allocated = false;
        flight.epoch = epochs.enter();
        return flight;
    }

    /** It has landed; true where those who wait for an earlier turn can go on. */
    boolean give(Flight flight) {
        flight.bio = null;
        if (flight.below != null) {
            flight.below.leave();
            flight.below = null;
        }
        if (spares < MOST_SPARE) {
            flight.next = spare;
            spare = flight;
            spares++;
        }
        return epochs.leave(flight.epoch);
    }
}
