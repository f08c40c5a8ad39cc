/**
 * Why connections between nodes end: stable codes for the log, for status, and for the last frame on a connection. None of them is
 * ever seen by a client. `isMisconfiguration` says that trying again soon cannot help, because somebody has to change something.
 * And why a network is not opened at all: refusals with words for the operator.
 */
import type { RefusalTexts } from '../chain/refusal.ts'

export interface NetworkCodeText {
  readonly zh: string
  readonly en: string
  readonly isMisconfiguration?: true
}

export const networkCodes = {
  'network.not-a-member': {
    zh: '对方的网络公钥不属于任何成员',
    en: 'the peer’s network key belongs to no member',
    isMisconfiguration: true,
  },
  'network.wrong-key': {
    zh: '该地址上的节点不是预期成员（网络公钥不符）',
    en: 'another node than the expected member answers at this address',
    isMisconfiguration: true,
  },
  'network.wrong-direction': {
    zh: '配置只允许由本节点发起与该成员的连接',
    en: 'by configuration only this node opens connections to that member',
    isMisconfiguration: true,
  },
  'network.wrong-protocol-version': {
    zh: '对方使用另一版本的节点间协议',
    en: 'the peer speaks another version of the protocol between nodes',
    isMisconfiguration: true,
  },
  'network.wrong-ledger': { zh: '对方属于另一个账本', en: 'the peer is of another ledger', isMisconfiguration: true },
  'network.wrong-genesis': {
    zh: '对方的创世记录不同',
    en: 'the peer has another genesis record',
    isMisconfiguration: true,
  },
  'network.wrong-member': {
    zh: '对方自称的成员与其网络公钥不符',
    en: 'the peer says it is another member than its network key shows',
    isMisconfiguration: true,
  },
  'network.wrong-node': {
    zh: '对方的节点编号不是该成员当前的节点',
    en: 'the peer is not the node that this member has in force',
    isMisconfiguration: true,
  },
  'network.handshake-malformed': { zh: '握手报文无法解析', en: 'the handshake cannot be read' },
  'network.handshake-timeout': { zh: '握手超时', en: 'the handshake took too long' },
  'network.duplicate': { zh: '已有一条可用连接', en: 'another connection is in use' },
  'network.replaced': { zh: '已由较新的连接代替', en: 'a newer connection took its place' },
  'network.too-many-connections': { zh: '该成员同时打开的连接过多', en: 'too many connections of one member at once' },
  'network.frame-oversized': { zh: '帧或消息超过上限', en: 'a frame or message above its limit' },
  'network.frame-checksum': { zh: '帧校验和不符', en: 'a frame with a wrong checksum' },
  'network.frame-sequence': { zh: '帧序号不连续', en: 'a frame out of sequence' },
  'network.frame-malformed': { zh: '帧内容不合规则', en: 'a frame that breaks the rules' },
  'network.credit-exceeded': { zh: '对方发送超出额度', en: 'the peer sent more than its credit' },
  'network.queue-full': { zh: '待发队列已满，对方接收过慢', en: 'the queue is full, the peer takes too little' },
  'network.silent': { zh: '对方长时间无数据', en: 'nothing was heard from the peer' },
  'network.stalled': { zh: '对方长时间不接收数据', en: 'the peer reads nothing' },
  'network.stream-closed': { zh: '数据流已关闭', en: 'a stream ended' },
  'network.connection-closed': { zh: '连接已关闭', en: 'the connection ended' },
  'network.unreachable': { zh: '无法连接到对方地址', en: 'no address of the peer could be reached' },
  'network.stopping': { zh: '节点正在停止', en: 'the node is stopping' },
} as const satisfies Readonly<Record<string, NetworkCodeText>>

export type NetworkCode = keyof typeof networkCodes

export const isNetworkCode = (text: string): text is NetworkCode => Object.hasOwn(networkCodes, text)

export function isMisconfiguration(code: NetworkCode): boolean {
  const text: NetworkCodeText = networkCodes[code]
  return text.isMisconfiguration === true
}

export const networkRefusals = {
  'network.bad-configuration': {
    zh: {
      title: '节点间网络的配置有误',
      cause: '某个成员的地址或网络公钥无法使用，详见说明。',
      remedy: '请按 /ip4/…/tcp/… 或 /dns4/…/tcp/… 的写法填写地址，每个成员只列一次。',
    },
    en: {
      title: 'The configuration of the network between nodes is wrong',
      cause: 'An address or a network key of a member cannot be used; the detail names it.',
      remedy: 'Write addresses as /ip4/…/tcp/… or /dns4/…/tcp/…, and list each member once.',
    },
  },
  'network.cannot-listen': {
    zh: {
      title: '无法监听节点间端口',
      cause: '操作系统拒绝了该地址，通常是端口已被占用或地址不属于本机。',
      remedy: '请检查配置中的监听地址，或停止占用该端口的程序。',
    },
    en: {
      title: 'The address for other nodes cannot be listened on',
      cause: 'The operating system refused it; usually the port is taken or the address is not this machine’s.',
      remedy: 'Check the listening address in the configuration, or stop the program that uses the port.',
    },
  },
} as const satisfies RefusalTexts
