/** What must have struck before a long run may say that all is well. */
import { commonFaults, spareFaults } from './draw.ts'
import { tricks } from './liar.ts'

export { tricks }

/** Names as they are counted: deeds by their kind, what only shows when it takes effect by a name of its own. */
export function classesOf(): readonly string[] {
  const deeds: readonly string[] = [...commonFaults, ...spareFaults].filter(
    (name) => name !== 'clock' && name !== 'lie',
  )
  const epochs = ['epoch', 'epoch-joined', 'epoch-left', 'epoch-without-its-leader', 'epoch-replaced', 'epoch-several']
  const effects = ['burst', 'ambushed', 'torn-cycle', 'write-failed', 'clock-jump', 'clock-drift', 'clock-freeze']
  return [...deeds, 'reconfigure', 'renewed', ...epochs, ...effects, ...tricks.map((trick) => `lie:${trick}`)]
}
