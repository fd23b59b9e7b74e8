package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Several write one page at a time, and others read it: each read finds one whole write, and all of
 * it could have happened one after the other.
 */
@Tag("unit")
@Timeout(60)
class PageOrderTest {
    private static final int WRITERS = 3;
    private static final int READERS = 2;
    private static final int WRITES = 2000;

    /** One page: a value is written and read as a whole. */
    private interface Register {
        void write(int value) throws Exception;

        /** The value, or -1 for a mix of two. */
        int read() throws Exception;
    }

    /** What one thread did, and between which moments. */
    private record Event(boolean write, int value, long from, long until) {}

    /** The page of a disk, for one thread: large writes go to the writers. */
    private static Register page(ZramRig.Io io, int pages) {
        return new Register() {
            @Override
            public void write(int value) {
                for (int i = 0; i < pages * ZramRig.PAGE; i += 4) {
                    io.data.bytes().putInt(i, i % 64 == 0 ? i * 31 + value : value);
                }
                assertThat(io.run(Op.WRITE, 0, (long) pages * ZramRig.PAGE))
                        .isEqualTo(Errno.OK);
            }

            @Override
            public int read() {
                var found = java.nio.ByteBuffer.wrap(io.read(0, ZramRig.PAGE))
                        .order(io.data.bytes().order());
                int value = found.getInt(4);
                for (int i = 0; value != 0 && i < ZramRig.PAGE; i += 4) {
                    if (found.getInt(i) != (i % 64 == 0 ? i * 31 + value : value)) {
                        return -1;
                    }
                }
                return value;
            }
        };
    }

    private static List<Event> run(ZramRig rig, List<Register> registers) throws Exception {
        AtomicLong moment = new AtomicLong();
        AtomicInteger writing = new AtomicInteger(WRITERS);
        List<Callable<List<Event>>> all = new ArrayList<>();
        for (int t = 0; t < registers.size(); t++) {
            Register mine = registers.get(t);
            int first = 1 + t * WRITES;
            boolean writer = t < WRITERS;
            all.add(() -> {
                List<Event> events = new ArrayList<>();
                for (int i = 0; writer ? i < WRITES : writing.get() > 0; i++) {
                    long from = moment.incrementAndGet();
                    int value = first + i;
                    if (writer) {
                        mine.write(value);
                    } else {
                        value = mine.read();
                    }
                    events.add(new Event(writer, value, from, moment.incrementAndGet()));
                }
                if (writer) {
                    writing.decrementAndGet();
                }
                return events;
            });
        }
        List<Event> events = new ArrayList<>();
        for (Future<List<Event>> one : rig.pool.invokeAll(all)) {
            events.addAll(one.get(40, TimeUnit.SECONDS));
        }
        long from = moment.incrementAndGet();
        events.add(new Event(false, registers.get(0).read(), from, moment.incrementAndGet()));
        return events;
    }

    /** What no order of the events explains, or nothing. */
    private static List<String> complaints(List<Event> events) {
        Event[] writes = new Event[1 + WRITERS * WRITES];
        writes[0] = new Event(true, 0, -1, 0);
        events.stream().filter(Event::write).forEach(e -> writes[e.value] = e);
        // By moment: the latest start of a write that had ended, or was read by a read that had.
        long[] over = new long[(int) events.stream().mapToLong(Event::until).max()
                .orElseThrow() + 2];
        List<String> found = new ArrayList<>();
        for (Event e : events) {
            if (e.value < 0) {
                found.add("torn: " + e);
            } else {
                over[(int) e.until] = Math.max(over[(int) e.until], writes[e.value].from);
            }
        }
        for (int i = 1; i < over.length; i++) {
            over[i] = Math.max(over[i], over[i - 1]);
        }
        for (Event e : events) {
            if (!e.write && e.value >= 0) {
                Event w = writes[e.value];
                if (w.from > e.until) {
                    found.add("not written yet: " + e);
                } else if (w.until < over[(int) e.from]) {
                    found.add("overwritten before: " + e);
                }
            }
        }
        return found;
    }

    private List<Event> events(int pages, java.util.function.UnaryOperator<Register> fault)
            throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(64 * ZramRig.PAGE);
            Device device = rig.device(zram);
            List<Register> registers = new ArrayList<>();
            for (int i = 0; i < WRITERS + READERS; i++) {
                registers.add(fault.apply(page(rig.io(device), i == 0 ? pages : 1)));
            }
            return run(rig, registers);
        }
    }

    @Test
    void smallWritesOfOnePageAreOneAfterTheOther() throws Exception {
        assertThat(complaints(events(1, r -> r))).isEmpty();
    }

    @Test
    void soAreThoseThatWritersCarryOut() throws Exception {
        assertThat(complaints(events(64, r -> r))).isEmpty();
    }

    @Test
    void aWriteThatIsAnsweredTooEarlyIsFound() throws Exception {
        assertThat(complaints(events(1, r -> new Register() {
            private int late;

            @Override
            public void write(int value) throws Exception {
                if (late != 0) {
                    r.write(late);
                    late = 0;
                } else if (value % 100 == 0) {
                    late = value;
                    return;
                }
                r.write(value);
            }

            @Override
            public int read() throws Exception {
                return r.read();
            }
        }))).isNotEmpty();
    }

    @Test
    void aMixOfTwoWritesIsFound() throws Exception {
        assertThat(complaints(events(1, r -> new Register() {
            private int reads;

            @Override
            public void write(int value) throws Exception {
                r.write(value);
            }

            @Override
            public int read() throws Exception {
                int value = r.read();
                return ++reads % 50 == 0 ? -1 : value;
            }
        }))).anyMatch(c -> c.startsWith("torn"));
    }
}
