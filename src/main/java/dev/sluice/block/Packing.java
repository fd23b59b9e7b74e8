package dev.sluice.block;

/**
 * Data that takes other room than its length.
 *
 * @param dataBytes what was written and is still there
 * @param storedBytes what keeping that takes
 */
public record Packing(long dataBytes, long storedBytes) {}
