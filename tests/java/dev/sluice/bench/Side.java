package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * One of the things compared: how to start it and what it is.
 *
 * @param cached whether its data file is meant to be in the page cache
 * @param fioDirect whether fio opens the file with O_DIRECT
 */
record Side(String name, String what, Data data, boolean cached, boolean fioDirect,
        Starter starter) {

    /**
     * Where the bytes are that must be there before the first read. A file is made for the side; an
     * image is made by its starter where there is none, and filled through the side once. With NONE
     * there are none, or the starter sees to them.
     */
    enum Data { NONE, MEMORY, FILE, IMAGE }

    /** Starts the side; data is its data file, which FILE and IMAGE have. */
    interface Starter {
        Serving start(Path data) throws IOException, InterruptedException;
    }

    /** Something started: the file that acts as a disk, and who serves it. */
    record Serving(Path file, List<Long> pids, Gc gc, Stop stop) implements AutoCloseable {
        @Override
        public void close() throws IOException, InterruptedException {
            stop.stop();
        }
    }

    /** How many garbage collections there were so far; negative where there is no garbage. */
    interface Gc {
        Gc NONE = () -> -1;

        long count() throws IOException;
    }

    /** Ends what was started and leaves nothing of it. */
    interface Stop {
        void stop() throws IOException, InterruptedException;
    }
}
