import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: fixed at 100 on Linux for every architecture in use. */
const TICKS_PER_SECOND = 100;

/** CPU time that a process has used so far, in milliseconds; 0 where there is no /proc. */
export function cpuMs(pid: number): number {
  const stat = readProc(pid, 'stat');
  // The program's name, in brackets, can contain blanks. User and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1_000) / TICKS_PER_SECOND;
}

/** CPU time that a process and those that it has started have used so far, in milliseconds. */
export function cpuMsOfAll(pid: number): number {
  const children = readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + cpuMs(Number(child)), cpuMs(pid));
}

/** Resident memory of a process in MB (10^6 bytes), at the moment and at its peak. */
export function memoryMb(pid: number): { now: number; peak: number } {
  const status = readProc(pid, 'status');
  const read = (name: string) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1_024) / 1e6;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
