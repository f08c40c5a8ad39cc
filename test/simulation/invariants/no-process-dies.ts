/** "We are wrong: assert, on in production" (style.md): no honest process ends by itself, unless its disk was made to fail. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'

const name = 'no-process-dies'

export function noProcessDies(world: World): Watch {
  return {
    turned({ member, fatal }) {
      if (fatal === undefined) return
      const { mayDie, isLost } = world.machine(member)
      if (!mayDie && !isLost) world.violated(name, `${member}: ${fatal}`)
    },
  }
}
