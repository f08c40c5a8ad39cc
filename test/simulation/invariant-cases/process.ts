/** The process itself. */
import type { Case } from './scene.ts'

export const processCases: Readonly<Record<string, Case>> = {
  'no-process-dies': {
    holds: (scene) => {
      scene.turned(0)
      scene.machine(1).mayDie = true
      scene.actor(1).fatal = 'disk write: input/output error'
      scene.turned(1)
    },
    breaks: {
      'by an assertion': (scene) => {
        scene.actor(0).fatal = 'assertion failed'
        scene.turned(0)
      },
    },
  },
}
