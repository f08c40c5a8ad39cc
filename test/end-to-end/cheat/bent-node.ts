/**
 * Loaded into Wuhan's process before the node itself (`node --import`): the real node, whose world is bent. `ambitious`: its election time-out is
 * always the shortest there is, so whenever a leader is lost it stands first. `sits`: and no batch of another member ever reaches it, so as a
 * leader it lets nobody's statements in. The node's own code holds no such switch.
 */
import { Libp2pNetwork } from '../../../src/node/libp2p-network.ts'
import { SystemRandom } from '../../../src/node/system-clock.ts'
import { decodeMessage } from '../../../src/node/wire.ts'

SystemRandom.prototype.below = () => 0

if (process.env.WUHAN === 'sits') {
  const { start } = Libp2pNetwork.prototype
  Libp2pNetwork.prototype.start = function (handlers) {
    start.call(this, {
      onPeer: (peer, up) => handlers.onPeer(peer, up),
      onMessage: (peer, lane, bytes, release) => {
        if (decodeMessage(bytes).kind === 'batch') return release()
        handlers.onMessage(peer, lane, bytes, release)
      },
    })
  }
}
