package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel's first zram device, taken when nobody uses it and left unused. */
final class KernelZram {
    static final Path DEVICE = Path.of("/dev/zram0");
    private static final Path SYS = Path.of("/sys/block/zram0");
    /** While it is ours; who cleans up after a killed benchmark looks for it. */
    private static final String MARK = "zram0.set";

    private KernelZram() { }

    static void setUp(Path scratch, String algorithm, long size) throws IOException {
        if (!Files.exists(SYS)) {
            throw new IOException("there is no zram0; modprobe zram would make it, if this kernel"
                    + " has it");
        }
        if (!get("initstate").equals("0")) {
            throw new IOException("zram0 has been set up by somebody; it is left alone");
        }
        Files.createFile(scratch.resolve(MARK));
        try {
            set("comp_algorithm", algorithm);
            set("disksize", Long.toString(size));
        } catch (IOException e) {
            reset(scratch);
            throw e;
        }
    }

    static void reset(Path scratch) throws IOException {
        set("reset", "1");
        Files.delete(scratch.resolve(MARK));
    }

    static String get(String attribute) throws IOException {
        return Files.readString(SYS.resolve(attribute)).strip();
    }

    private static void set(String attribute, String value) throws IOException {
        Files.writeString(SYS.resolve(attribute), value);
    }
}
