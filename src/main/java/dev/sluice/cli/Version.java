package dev.sluice.cli;

/** The version of the program, as its jar says; a run from classes has none. */
final class Version {
    static final String TEXT = text();

    private Version() {}

    private static String text() {
        String v = Version.class.getPackage().getImplementationVersion();
        return v == null ? "unreleased" : v;
    }
}
