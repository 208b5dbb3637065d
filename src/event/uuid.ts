/** Words of 32 bits in a UUID. */
export const ID_WORDS = 4;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The 128 bits of a UUID, as the digest takes them. */
export function idBits(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`);
}

/** The UUID that has these bits. */
export function toUuid(bits: bigint): string {
  const hex = bits.toString(16).padStart(32, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The value of a lower-case hexadecimal digit. */
const digitOf = (code: number): number => (code < 58 ? code - 48 : code - 87);

/** The id in a column of ids that `writeId` has written at this slot. */
export function readId(ids: Uint32Array, slot: number): string {
  const word = (i: number) =>
    Number(ids[slot * ID_WORDS + i])
      .toString(16)
      .padStart(8, '0');
  const [b, c] = [word(1), word(2)];
  return `${word(0)}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${word(3)}`;
}

/** Writes the bits of an id into a column. Returns false when the bits don't give its spelling back. */
export function writeId(ids: Uint32Array, slot: number, id: string): boolean {
  const first = slot * ID_WORDS;
  if (!UUID.test(id)) {
    const bits = idBits(id);
    for (let i = 0; i < ID_WORDS; i++) {
      ids[first + i] = Number(BigInt.asUintN(32, bits >> BigInt(32 * (ID_WORDS - 1 - i))));
    }
    return false;
  }
  let at = 0;
  for (let i = 0; i < ID_WORDS; i++) {
    let word = 0;
    for (let digits = 0; digits < 8; at++) {
      const code = id.charCodeAt(at);
      if (code === 45) continue;
      word = (word << 4) | digitOf(code);
      digits++;
    }
    ids[first + i] = word;
  }
  return true;
}
