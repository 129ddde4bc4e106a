"""Second, separate Philox4x32-10 (Salmon et al. 2011) and the uniforms drawn from it."""

MASK32 = 0xFFFFFFFF
MULTIPLIER_0 = 0xD2511F53
MULTIPLIER_1 = 0xCD9E8D57
KEY_STEP_0 = 0x9E3779B9
KEY_STEP_1 = 0xBB67AE85
ROUNDS = 10


def philox4x32_10(
    counter: tuple[int, int, int, int], key: tuple[int, int]
) -> tuple[int, int, int, int]:
    """One block of four 32-bit words."""
    for word in (*counter, *key):
        _check_bits("word", word, 32)
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        product_0 = MULTIPLIER_0 * c0
        product_1 = MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> 32) ^ c1 ^ k0,
            product_1 & MASK32,
            (product_0 >> 32) ^ c3 ^ k1,
            product_0 & MASK32,
        )
        k0 = (k0 + KEY_STEP_0) & MASK32
        k1 = (k1 + KEY_STEP_1) & MASK32
    return c0, c1, c2, c3


def uniform_second(
    seed: int, purpose: int, replicate: int, patient: int, occasion: int, slot: int
) -> float:
    """The uniform, strictly between 0 and 1, that belongs to this address."""
    _check_bits("seed", seed, 64)
    _check_bits("purpose", purpose, 12)
    _check_bits("slot", slot, 21)
    key = (seed & MASK32, seed >> 32)
    block = philox4x32_10((purpose << 20 | slot // 2, occasion, patient, replicate), key)
    high, low = block[:2] if slot % 2 == 0 else block[2:]
    return _to_unit(high, low)


def _to_unit(high: int, low: int) -> float:
    """Turn two 32-bit words into a float strictly between 0 and 1."""
    k = (high << 32 | low) >> 11
    u = (k + 0.5) * 2.0**-53
    if u == 1.0:  # the largest k rounds up to one
        return 1.0 - 2.0**-53
    return u


def _check_bits(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name} {value} does not fit in {bits} bits")
