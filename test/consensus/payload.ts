/** What travels between members in a run, and what each keeps on its disk. */
import type { BlockCertificate } from '../../src/chain/certificate.ts'
import type { Height } from '../../src/chain/numbers.ts'
import type { LockState, VoteState } from '../../src/consensus/effect.ts'
import type { BlockMeta, Message } from '../../src/consensus/message.ts'
import type { AdoptionProof } from '../../src/consensus/raft.ts'

export type Payload =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'blocks'; readonly blocks: readonly BlockMeta[] }
  | { readonly kind: 'fetch'; readonly from: Height; readonly certificate: BlockCertificate }
  | { readonly kind: 'fetched'; readonly blocks: readonly BlockMeta[]; readonly proof: AdoptionProof }

export interface Disk {
  vote: VoteState
  lock: LockState
  chain: BlockMeta[]
  commit: Height
}
