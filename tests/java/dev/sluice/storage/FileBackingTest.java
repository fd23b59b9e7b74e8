package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.kenai.jffi.LastError;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What system calls may answer, on a real file behind a C library that errs where told. */
@Tag("unit")
@Timeout(60)
final class FileBackingTest {
    private static final int SIZE = 64 << 10;

    private final Arena arena = new Arena();
    private final List<String> log = new ArrayList<>();
    private final Deque<Fault> faults = new ArrayDeque<>();
    private final List<String> calls = new ArrayList<>();
    private Path file;
    private FileBacking backing;
    private Memory memory;
    private boolean closed;

    /** The next call of a name: fails with an errno, or gets only so many bytes done. */
    private record Fault(String call, int errno, long bytes) {}

    @BeforeEach
    void open() throws Exception {
        file = Files.createTempFile(Path.of("target").toAbsolutePath(), "backing", "");
        byte[] bytes = new byte[SIZE];
        for (int i = 0; i < SIZE; i++) {
            bytes[i] = (byte) (i / 512 + 1);
        }
        Files.write(file, bytes);
        memory = arena.map(SIZE);
        Libc libc = (Libc) Proxy.newProxyInstance(getClass().getClassLoader(),
                new Class<?>[] {Libc.class}, (self, method, args) -> {
                    calls.add(method.getName());
                    Fault next = faults.peek();
                    if (next != null && next.call.equals(method.getName())) {
                        faults.pop();
                        if (next.call.equals("close")) {
                            // The kernel closes it even so.
                            method.invoke(Libc.LIBC, args);
                        }
                        if (next.errno != 0) {
                            LastError.getInstance().set(next.errno);
                            return method.getReturnType() == int.class ? (Object) (-1)
                                    : (Object) (-1L);
                        }
                        args[2] = next.bytes;
                    }
                    try {
                        return method.invoke(Libc.LIBC, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        backing = FileOpening.open(file.toString(), false, false, arena,
                (sentence, cause) -> log.add(sentence), libc);
    }

    @AfterEach
    void close() throws Exception {
        assertThat(faults).as("faults that never came").isEmpty();
        if (!closed) {
            backing.close();
        }
        arena.close();
        Files.delete(file);
    }

    private void fails(String call, Errno errno) {
        faults.add(new Fault(call, errno.number(), 0));
    }

    private void does(String call, long bytes) {
        faults.add(new Fault(call, 0, bytes));
    }

    private byte[] content() throws Exception {
        return Files.readAllBytes(file);
    }

    @Test
    void shortAndInterruptedReadsGoOn() throws Exception {
        fails("pread", Errno.EINTR);
        does("pread", 1000);
        fails("pread", Errno.EINTR);
        does("pread", 1);
        assertThat(backing.read(512, memory, 0, 4096)).isEqualTo(Errno.OK);
        byte[] found = new byte[4096];
        memory.bytes().get(0, found);
        assertThat(found).isEqualTo(Arrays.copyOfRange(content(), 512, 512 + 4096));
    }

    @Test
    void shortAndInterruptedWritesGoOn() throws Exception {
        byte[] bytes = new byte[4096];
        Arrays.fill(bytes, (byte) 99);
        memory.bytes().put(0, bytes);
        fails("pwrite", Errno.EINTR);
        does("pwrite", 1000);
        does("pwrite", 7);
        assertThat(backing.write(512, memory, 0, 4096)).isEqualTo(Errno.OK);
        assertThat(Arrays.copyOfRange(content(), 512, 512 + 4096)).isEqualTo(bytes);
        assertThat(content()[512 + 4096]).isEqualTo((byte) 10);
    }

    /** One folio of the page cache each: in a large one later writes of a page are slow. */
    @Test
    void largeWritesReachThePageCacheInPieces() throws Exception {
        Memory large = arena.map(300 << 10);
        for (int at = 0; at < large.bytes().capacity(); at++) {
            large.bytes().put(at, (byte) (at / 1000 + 3));
        }
        calls.clear();
        assertThat(backing.write(512, large, 0, 300 << 10)).isEqualTo(Errno.OK);
        assertThat(calls).containsExactly("pwrite", "pwrite", "pwrite");
        byte[] bytes = new byte[300 << 10];
        large.bytes().get(0, bytes);
        assertThat(Arrays.copyOfRange(content(), 512, 512 + (300 << 10))).isEqualTo(bytes);
        assertThat(content()).hasSize(512 + (300 << 10));
    }

    @Test
    void failuresKeepTheirErrno() {
        fails("pwrite", Errno.ENOSPC);
        assertThat(backing.write(0, memory, 0, 512)).isEqualTo(Errno.ENOSPC);
        does("pwrite", 100);
        fails("pwrite", Errno.EDQUOT);
        assertThat(backing.write(0, memory, 0, 512)).isEqualTo(Errno.EDQUOT);
        fails("pread", Errno.EIO);
        assertThat(backing.read(0, memory, 0, 512)).isEqualTo(Errno.EIO);
        does("pread", 0);
        assertThat(backing.read(0, memory, 0, 512)).isEqualTo(Errno.EIO);
        fails("fallocate", Errno.ENOSPC);
        assertThat(backing.punch(0, 512)).isEqualTo(Errno.ENOSPC);
    }

    /** The kernel would answer the second fdatasync with success, though data is lost. */
    @Test
    void aFailedSyncStaysFailed() {
        fails("fdatasync", Errno.EINTR);
        assertThat(backing.sync()).isEqualTo(Errno.OK);
        fails("fdatasync", Errno.EIO);
        assertThat(backing.sync()).isEqualTo(Errno.EIO);
        assertThat(backing.sync()).isEqualTo(Errno.EIO);
        assertThat(log).singleElement().asString().contains("fdatasync failed");
        backing.forgive();
        assertThat(backing.sync()).isEqualTo(Errno.OK);
    }

    @Test
    void whatTheFileSystemCannotDoIsWrittenByHand() throws Exception {
        fails("fallocate", Errno.EOPNOTSUPP);
        fails("fallocate", Errno.EOPNOTSUPP);
        assertThat(backing.punch(1000, 5000)).isEqualTo(Errno.OK);
        assertThat(backing.punch(20000, 100)).isEqualTo(Errno.OK);
        assertThat(backing.zero(30000, 100)).isEqualTo(Errno.OK);
        byte[] right = content();
        assertThat(Arrays.copyOfRange(right, 1000, 6000)).containsOnly(0);
        assertThat(Arrays.copyOfRange(right, 20000, 20100)).containsOnly(0);
        assertThat(Arrays.copyOfRange(right, 30000, 30100)).containsOnly(0);
        assertThat(right[999] * right[6000] * right[19999] * right[20100]).isNotZero();
        // Asked once each, remembered, and said once each.
        assertThat(calls).filteredOn("fallocate"::equals).hasSize(2);
        assertThat(log).hasSize(2);
    }

    @Test
    void holesThatCannotBePunchedAreZeroedInPlace() throws Exception {
        fails("fallocate", Errno.EOPNOTSUPP);
        fails("fallocate", Errno.EINTR);
        assertThat(backing.punch(4096, 8192)).isEqualTo(Errno.OK);
        assertThat(Arrays.copyOfRange(content(), 4096, 4096 + 8192)).containsOnly(0);
        assertThat(calls).doesNotContain("pwrite");
    }

    @Test
    void aFileSystemWithoutHolesIsAllData() {
        fails("lseek", Errno.EINVAL);
        assertThat(backing.seek(512, true)).isEqualTo(512);
        fails("lseek", Errno.EINVAL);
        assertThat(backing.seek(512, false)).isEqualTo(SIZE);
        fails("lseek", Errno.ENXIO);
        assertThat(backing.seek(512, true)).isEqualTo(SIZE);
    }

    @Test
    void theSizeFollowsWhatIsResizedAndReserved() throws Exception {
        fails("ftruncate", Errno.EINTR);
        assertThat(backing.resize(3 * SIZE)).isEqualTo(Errno.OK);
        assertThat(backing.size()).isEqualTo(3 * SIZE).isEqualTo(Files.size(file));
        assertThat(backing.resize(SIZE / 2)).isEqualTo(Errno.OK);
        assertThat(backing.size()).isEqualTo(SIZE / 2).isEqualTo(Files.size(file));
        fails("fallocate", Errno.EINTR);
        assertThat(backing.reserve(SIZE / 2, SIZE)).isEqualTo(Errno.OK);
        assertThat(backing.size()).isEqualTo(SIZE + SIZE / 2).isEqualTo(Files.size(file));
        assertThat(Arrays.copyOfRange(content(), SIZE / 2, SIZE + SIZE / 2)).containsOnly(0);
        assertThat(backing.reserve(0, 4096)).isEqualTo(Errno.OK);
        assertThat(backing.size()).isEqualTo(SIZE + SIZE / 2);
        assertThat(content()[0]).isEqualTo((byte) 1);
        fails("ftruncate", Errno.EFBIG);
        assertThat(backing.resize(SIZE)).isEqualTo(Errno.EFBIG);
        assertThat(backing.size()).isEqualTo(SIZE + SIZE / 2);
    }

    @Test
    void aFailedReservationTellsWhatCameOfIt() throws Exception {
        fails("fallocate", Errno.ENOSPC);
        assertThat(backing.reserve(SIZE, 4096)).isEqualTo(Errno.ENOSPC);
        assertThat(backing.size()).isEqualTo(SIZE);
        fails("fallocate", Errno.EOPNOTSUPP);
        assertThat(backing.reserve(SIZE, 4096)).isEqualTo(Errno.OK);
        assertThat(backing.reserve(SIZE + 4096, 4096)).isEqualTo(Errno.OK);
        assertThat(backing.size()).isEqualTo(SIZE + 8192).isEqualTo(Files.size(file));
        assertThat(calls).filteredOn("fallocate"::equals).hasSize(2);
        assertThat(log).singleElement().asString().contains("cannot be reserved");
    }

    @Test
    void bounceMemoryIsBoundedAndShared() throws Exception {
        Bounce bounce = new Bounce(arena);
        Deque<Memory> taken = new ArrayDeque<>();
        for (int i = 0; i < Bounce.PIECES; i++) {
            taken.push(bounce.take());
        }
        Memory last = taken.pop();
        Thread waiter = new Thread(() -> bounce.give(bounce.take()));
        bounce.give(last);
        waiter.start();
        waiter.join(30_000);
        assertThat(waiter.isAlive()).isFalse();
        Memory held = bounce.take();
        Thread blocked = new Thread(() -> bounce.give(bounce.take()));
        blocked.start();
        blocked.join(200);
        assertThat(blocked.isAlive()).isTrue();
        bounce.give(held);
        blocked.join(30_000);
        assertThat(blocked.isAlive()).isFalse();
        taken.forEach(bounce::give);
        bounce.close();
    }

    @Test
    void aFailedCloseIsTold() {
        fails("close", Errno.EIO);
        closed = true;
        assertThatThrownBy(backing::close).isInstanceOf(BlockException.class)
                .hasMessageContaining("close failed");
    }
}
