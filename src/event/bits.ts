/** Bits in a word of a bit set. */
export const WORD_BITS = 32;

/** How many bits of a word are set. */
function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Sets a bit of a bit set. */
export function setBit(words: Uint32Array, bit: number): void {
  const word = bit >>> 5;
  words[word] = Number(words[word]) | (1 << (bit % WORD_BITS));
}

/** Clears a bit of a bit set. */
export function clearBit(words: Uint32Array, bit: number): void {
  const word = bit >>> 5;
  words[word] = Number(words[word]) & ~(1 << (bit % WORD_BITS));
}

/** How many bits are set before this one. None may be set before `first`. */
export function countBitsBefore(words: Uint32Array, first: number, bit: number): number {
  const last = bit >>> 5;
  let count = countBits(Number(words[last]) & ((1 << (bit % WORD_BITS)) - 1));
  for (let word = first >>> 5; word < last; word++) count += countBits(Number(words[word]));
  return count;
}
