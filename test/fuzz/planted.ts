/** Subjects with a fault each, to show that the watch sees what it is there for. */
import { accepted, type Subject } from './subject.ts'

const plant = (name: string, judge: Subject['judge']): Subject => ({
  name,
  seeds: () => [Uint8Array.of(1)],
  mutate: (input) => input,
  judge,
})

export const planted: readonly Subject[] = [
  plant('crashes', () => (undefined as unknown as { text: string }).text),
  plant('hangs', () => {
    for (;;) if (Date.now() < 0) return accepted
  }),
  plant('takes its word for it', () => {
    const list: number[][] = []
    for (;;) list.push(new Array<number>(1_000).fill(list.length))
  }),
  plant('allocates what it is told', () => (new Uint8Array(2 ** 28).length > 0 ? accepted : '')),
  plant('refuses what is valid', () => 'refused'),
]
