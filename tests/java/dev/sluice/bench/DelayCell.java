package dev.sluice.bench;

import java.util.List;

/**
 * One row of the table of delays.
 *
 * @param shape the requests; a loop device means reads through the page cache
 * @param micros the delay
 * @param wanted requests a second, at least; 0 where none is asked
 * @param mostCpu per cent of one core, at most
 * @param known what others are known for, quoted and not measured here
 */
record DelayCell(Cell shape, long micros, double wanted, double mostCpu, String known) {
    private static final double ANY = 1000;

    String name() {
        return shape.name();
    }

    /** What the delay alone would allow. */
    double theory() {
        return 1e6 * shape.depth() * shape.jobs() / micros;
    }

    boolean deep() {
        return shape.jobs() > 1;
    }

    private static Cell one(String name, String rw, boolean loop) {
        return new Cell(name, rw, Cell.SMALL, "psync", 1, 1, loop);
    }

    static List<DelayCell> all() {
        return List.of(
                new DelayCell(one("1ms-read", "randread", false), 1000, 985, 7,
                        "dm-delay 998 (HZ=1000), 237 (HZ=250); qemu 948; nbdkit 854"),
                new DelayCell(one("1ms-write", "randwrite", false), 1000, 985, 7,
                        "dm-delay 994; nbdkit 854"),
                new DelayCell(one("1ms-read-buffered", "randread", true), 1000, 0, ANY,
                        "dm-delay 498 (HZ=1000), 216 (HZ=250)"),
                new DelayCell(one("10ms-read", "randread", false), 10_000, 99, ANY,
                        "dm-delay 99; qemu 98; nbdkit 97"),
                new DelayCell(one("10ms-write", "randwrite", false), 10_000, 99, ANY,
                        "dm-delay 99; nbdkit 97"),
                new DelayCell(one("10ms-read-buffered", "randread", true), 10_000, 0, ANY,
                        "dm-delay 50"),
                new DelayCell(one("250us-read", "randread", false), 250, 3800, ANY, ""),
                new DelayCell(one("100us-read", "randread", false), 100, 9000, 25, "qemu 6904"),
                new DelayCell(new Cell("10ms-read-32x64", "randread", Cell.SMALL, "libaio", 64,
                        32, false), 10_000, 0, ANY,
                        "dm-delay 15,000 to 25,600; qemu 1,149; nbdkit 494"));
    }
}
