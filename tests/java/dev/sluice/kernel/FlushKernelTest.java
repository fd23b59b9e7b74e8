package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What asks for durability reaches the target as FLUSH or FUA, each time. */
@Tag("kernel")
@Timeout(240)
final class FlushKernelTest {
    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void everyFsyncIsAFlush(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 16M ram")) {
            Shell.run("xfs_io", "-c", "pwrite 0 8k", "-c", "fsync", "-c", "fdatasync",
                    "-c", "fsync", m.file("disk").toString()).ok();
            assertThat(m.stat("disk", "flush.ended")).isEqualTo(3);
            assertThat(m.stat("disk", "fua_writes")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void everySynchronousWriteIsDurable(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 16M ram")) {
            for (String flags : new String[] {"dsync", "sync", "direct,dsync", "direct,sync"}) {
                long before = durable(m);
                Shell.run("dd", "if=/dev/zero", "of=" + m.file("disk"), "bs=4k", "count=5",
                        "conv=notrunc", "oflag=" + flags, "status=none").ok();
                assertThat(durable(m) - before).as(flags).isGreaterThanOrEqualTo(5);
            }
            assertThat(m.stat("disk", "write.ended")).isEqualTo(20);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void aLoopDevicePassesFlushesOn(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 16M ram")) {
            Path device = m.attach("disk");
            long before = durable(m);
            Shell.run("dd", "if=/dev/zero", "of=" + device, "bs=4k", "count=5",
                    "oflag=direct,dsync", "status=none").ok();
            assertThat(durable(m) - before).isGreaterThanOrEqualTo(5);
            before = m.stat("disk", "flush.ended");
            Shell.run("dd", "if=/dev/zero", "of=" + device, "bs=4k", "count=5",
                    "conv=fsync", "status=none").ok();
            assertThat(m.stat("disk", "flush.ended")).isGreaterThan(before);
        }
    }

    private static long durable(Mounted m) {
        return m.stat("disk", "fua_writes") + m.stat("disk", "flush.ended");
    }
}
