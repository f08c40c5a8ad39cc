/**
 * The disk as the node's loop uses it. What the disk calls back runs outside of any event of the loop while the node is still starting, and
 * between a write and its callbacks; an error there must end the node as one in the loop does, with its reason, and not as an uncaught
 * exception of the process.
 */
import type { Disk } from './ports.ts'

/** @param guard runs an event and takes what it throws; after that it runs none */
export function guardedDisk(disk: Disk, guard: (event: () => void) => void): Disk {
  return {
    get: (key) => disk.get(key),
    getInto: (key, into) => disk.getInto(key, into),
    scan: (range, visit, done) =>
      disk.scan(
        range,
        (key, value) => {
          let goesOn: boolean | undefined = false
          guard(() => {
            goesOn = visit(key, value)
          })
          return goesOn
        },
        (whole) => guard(() => done(whole)),
      ),
    write: (write, done) => disk.write(write, () => guard(done)),
    slots: () => disk.slots(),
    freeBytes: () => disk.freeBytes(),
  }
}
