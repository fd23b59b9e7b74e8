package dev.sluice.ploop;

import dev.sluice.block.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Random;

/** Images that somebody has tampered with, who knows what they are made of. */
final class Mutants {
    private static final int[] FIELDS = {16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60};
    private static final int[] ODD = {0, 1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 255, 2048, 4186127,
        4186128, 1 << 20, 1 << 28, 1 << 30, Integer.MAX_VALUE, Integer.MIN_VALUE, -1, -2,
        Header.DIRTY, Header.CLOSED_WITH_EXTENSION};

    private final Random random;
    private final Memory memory;
    boolean signature;

    /** The memory is for what is stored at once. */
    Mutants(Random random, Memory memory) {
        this.random = random;
        this.memory = memory;
    }

    /** The next one, in an image that is used again: its file is made anew. */
    RawImage next() {
        int version = 1 + random.nextInt(5) / 4;
        int sectors = new int[] {1, 2, 8, 16, 3}[random.nextInt(5)];
        int entries = 1 + random.nextInt(24);
        RawImage raw = new RawImage(3 - version, sectors * 512, entries, random.nextInt(12));
        int first = (64 + 4 * entries + sectors * 512 - 1) / (sectors * 512);
        int end = (int) (raw.file.size() / (sectors * 512));
        int unit = version == 2 ? sectors : 1;
        int cluster = first;
        for (int i = 0; i < entries; i++) {
            if (random.nextInt(3) > 0 && cluster < end) {
                raw.word(i, unit * cluster++);
            }
        }
        if (end > first && random.nextInt(4) == 0) {
            extension(raw, first + random.nextInt(end - first), sectors * 512, entries);
        }
        signature = random.nextInt(20) == 0;
        if (signature) {
            raw.put(random.nextInt(4) * 4, random.nextInt());
        }
        for (int faults = random.nextInt(4); faults > 0; faults--) {
            fault(raw, entries, first, end, unit);
        }
        return raw;
    }

    private void fault(RawImage raw, int entries, int first, int end, int unit) {
        switch (random.nextInt(8)) {
            case 0, 1 -> raw.put(FIELDS[random.nextInt(FIELDS.length)], number());
            case 2 -> {
                int field = FIELDS[random.nextInt(FIELDS.length)];
                raw.put(field, raw.get(field) + random.nextInt(9) - 4);
            }
            case 3, 4 -> raw.word(random.nextInt(entries),
                    unit * (first - 2 + random.nextInt(end - first + 4)) + random.nextInt(8) / 7);
            case 5 -> raw.word(random.nextInt(entries), number());
            case 6 -> raw.file.resize(Math.max(0, raw.file.size()
                    + random.nextInt(6000) - 4000));
            default -> {
                int at = random.nextInt(64 + 4 * entries);
                if (at + 4 <= raw.file.size() && at >= 16) {
                    raw.put(at, raw.get(at) ^ 1 << random.nextInt(32));
                }
            }
        }
    }

    private int number() {
        return random.nextInt(3) == 0 ? random.nextInt() : ODD[random.nextInt(ODD.length)];
    }

    /** Mostly a sound one. */
    private void extension(RawImage raw, int cluster, int bytes, int entries) {
        ByteBuffer b = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        b.putLong(0, 0xAB234CEF23DCEA87L);
        b.putLong(24, random.nextInt(4) == 0 ? random.nextLong() : 0x20385FAE252CB34AL);
        b.putLong(32, random.nextInt(6) == 0 ? random.nextInt(8) : 0);
        b.putInt(40, random.nextInt(6) == 0 ? number() : 40);
        b.putLong(48, random.nextInt(6) == 0 ? number() : (long) entries * (bytes / 512));
        b.putInt(72, random.nextInt(6) == 0 ? number() : 8);
        b.putInt(76, random.nextInt(6) == 0 ? number() : 1).putLong(80, random.nextInt(60));
        try {
            MessageDigest md5 = MessageDigest.getInstance("MD5");
            md5.update(b.array(), 24, bytes - 24);
            b.put(8, md5.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
        memory.bytes().put(0, b.array(), 0, bytes);
        raw.file.write((long) cluster * bytes, memory, 0, bytes);
        raw.put(56, cluster * (bytes / 512)).put(44, Header.CLOSED_WITH_EXTENSION);
    }
}
