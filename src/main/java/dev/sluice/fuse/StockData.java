package dev.sluice.fuse;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.sys.Native;
import java.util.concurrent.CountDownLatch;
import jnr.ffi.Pointer;

/**
 * The data path of the stock loop: libfuse's thread builds the bio over libfuse's own memory, and
 * waits. Requests are at most 128 KiB there, and asynchronous I/O comes one at a time.
 */
final class StockData {
    int read(Device device, Pointer buffer, long size, long offset) {
        int length = (int) Math.max(0, Math.min(size, device.limits().size() - offset));
        if (length == 0) {
            return 0;
        }
        Memory memory = Native.view(buffer.address(), length);
        Waiter w = new Waiter();
        Errno e = w.run(device, w.bio.set(Op.READ, offset, length, false, memory, 0, 0));
        if (e != Errno.OK) {
            return -e.number();
        }
        if (w.bio.answerMemory() != memory) {
            memory.copyFrom(0, w.bio.answerMemory(), w.bio.answerAt(), length);
        }
        return length;
    }

    int write(Device device, Pointer buffer, long size, long offset, int flags) {
        int length = (int) Math.max(0, Math.min(size, device.limits().size() - offset));
        if (length == 0) {
            return size == 0 ? 0 : -Errno.ENOSPC.number();
        }
        boolean fua = (flags & Native.O_DSYNC) != 0;
        Memory memory = Native.view(buffer.address(), length);
        Waiter w = new Waiter();
        Errno e = w.run(device, w.bio.set(Op.WRITE, offset, length, fua, memory, 0, 0));
        return e == Errno.OK ? length : -e.number();
    }

    int flush(Device device) {
        Waiter w = new Waiter();
        return -w.run(device, w.bio.set(Op.FLUSH, 0, 0, false, null, 0, 0)).number();
    }

    int allocate(Device device, int mode, long offset, long length) {
        Falloc f = Falloc.of(mode, offset, length, device.limits().size());
        if (f.op() == null) {
            return -f.errno().number();
        }
        Waiter w = new Waiter();
        return -w.run(device, w.bio.set(f.op(), offset, f.length(), false, null, 0, 0)).number();
    }

    private static final class Waiter implements Bio.End {
        private final Bio bio = new Bio(this);
        private final CountDownLatch latch = new CountDownLatch(1);

        @Override
        public void ended(Bio ended) {
            latch.countDown();
        }

        Errno run(Device device, Bio request) {
            device.submit(request);
            if (!request.release()) {
                try {
                    latch.await();
                } catch (InterruptedException e) {
                    // Nobody interrupts libfuse's threads; the memory is still the bio's.
                    throw new AssertionError(e);
                }
            }
            return request.outcome();
        }
    }
}
