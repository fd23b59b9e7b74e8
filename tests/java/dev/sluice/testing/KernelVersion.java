package dev.sluice.testing;

/** What depends on the kernel that the tests run on. */
public final class KernelVersion {
    private KernelVersion() {}

    /** Whether threads can ask for slices: from Linux 6.12 on. */
    public static boolean hasSlices() {
        String[] parts = System.getProperty("os.version").split("\\D+");
        return 1000 * Integer.parseInt(parts[0]) + Integer.parseInt(parts[1]) >= 6012;
    }
}
