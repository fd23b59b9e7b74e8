package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A loop device on a file. */
final class Loop implements AutoCloseable {
    private final Shell shell;
    private final Path device;

    private Loop(Shell shell, Path device) {
        this.shell = shell;
        this.device = device;
    }

    /** A kernel that refuses direct I/O where it was asked for is an exception. */
    static Loop attach(Shell shell, Path file, boolean direct)
            throws IOException, InterruptedException {
        String device = shell.run(20, "losetup", "--find", "--show",
                "--direct-io=" + (direct ? "on" : "off"), file.toString()).strip();
        Loop loop = new Loop(shell, Path.of(device));
        Path flag = Path.of("/sys/block", loop.device.getFileName().toString(), "loop/dio");
        if (!Files.readString(flag).strip().equals(direct ? "1" : "0")) {
            loop.close();
            throw new IOException("the kernel refused direct I/O of a loop device on " + file);
        }
        return loop;
    }

    Path device() {
        return device;
    }

    @Override
    public void close() throws IOException, InterruptedException {
        shell.run(20, "losetup", "--detach", device.toString());
    }
}
