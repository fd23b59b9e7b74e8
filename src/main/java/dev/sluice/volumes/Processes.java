package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Programs as child processes. What they say goes to a file: a pipe would need a reader. */
final class Processes implements Programs {
    private static final File NOTHING = new File("/dev/null");
    private static final int MOST_SAID = 64 << 10;
    private static final int KILL_SECONDS = 2;

    private final Path folder;

    /** {@code folder}: for what they say, while they run. */
    Processes(Path folder) {
        this.folder = folder;
    }

    @Override
    public Ended run(long limitMillis, String... command) throws BlockException {
        Path said = null;
        try {
            said = Files.createTempFile(folder, "said", "");
            return run(limitMillis, command, said);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, command[0] + " cannot be run (" + e.getMessage()
                    + "); install it, or make the plugin's folder writable", e);
        } finally {
            delete(said);
        }
    }

    private static Ended run(long limitMillis, String[] command, Path said)
            throws IOException, BlockException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectInput(NOTHING).redirectOutput(said.toFile());
        builder.environment().put("LC_ALL", "C");
        builder.environment().merge("PATH", "/usr/sbin:/sbin", (old, more) -> old + ":" + more);
        Process process = builder.start();
        try {
            if (!process.waitFor(limitMillis, TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor(KILL_SECONDS, TimeUnit.SECONDS);
                throw new BlockException(Errno.ETIMEDOUT, command[0] + " was not done after "
                        + limitMillis + " ms, and was killed; look what its device waits for, and"
                        + " ask again");
            }
            return new Ended(process.exitValue(), text(said));
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, command[0] + " was interrupted; ask again", e);
        }
    }

    private static String text(Path said) throws IOException {
        try (InputStream in = Files.newInputStream(said)) {
            return new String(in.readNBytes(MOST_SAID), StandardCharsets.UTF_8);
        }
    }

    private static void delete(Path said) throws BlockException {
        try {
            if (said != null) {
                Files.deleteIfExists(said);
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, said + " cannot be deleted (" + e.getMessage()
                    + "); make its folder writable, and ask again", e);
        }
    }
}
