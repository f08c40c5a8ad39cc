/** The proof formats, as strangers hand them to a verifier: notes, keys, checkpoints, proof files, policies, tiles, bundles, paths. */
import { toHex, utf8 } from '../../../src/chain/bytes.ts'
import { formatCheckpoint, parseCheckpoint } from '../../../src/chain/checkpoint.ts'
import { verifyConsistency, verifyInclusion } from '../../../src/chain/merkle-proof.ts'
import { consistencyPath, inclusionPath, leafHash, rootOf } from '../../../src/chain/merkle-tree.ts'
import { formatNote, formatVerifierKey, parseNote, parseVerifierKey, signatureType } from '../../../src/chain/note.ts'
import { parsePolicy } from '../../../src/chain/policy.ts'
import { formatProofFile, parseProofFile } from '../../../src/chain/proof-file.ts'
import { decodeEntryBundle, encodeEntryBundle, entriesPath, parseTilePath, tilePath } from '../../../src/chain/tile.ts'
import { VerificationError, verificationTexts } from '../../../src/chain/verification-error.ts'
import { verifyProofFile } from '../../../src/chain/verify.ts'
import {
  checkpointText,
  cosignatureBy,
  cosignerKeys,
  entries,
  logKeys,
  noteBy,
  policyText,
  proofFileOf,
  read,
  size,
} from '../../chain/proof-fixture.ts'
import { mutateBytes, mutateJson, mutateText } from '../mutation.ts'
import { accepted, bytesOf, hold, looseText, refusedOr, type Subject, sameBytes, textOf } from '../subject.ts'

const isVerificationCode = (code: string): boolean => Object.hasOwn(verificationTexts, code)
const refused = (judge: () => void): string => refusedOr(VerificationError, isVerificationCode, judge)

export const note: Subject = {
  name: 'note',
  seeds: () =>
    [noteBy([]), noteBy([0, 1, 2]), { text: 'a\n\nb\n', signatures: [cosignatureBy(3)] }].map((each) =>
      bytesOf(formatNote(each)),
    ),
  mutate: mutateText,
  judge: (input) =>
    refused(() => {
      hold(sameBytes(utf8(formatNote(parseNote(input))), input), 'a note has one spelling')
      hold(formatNote(parseNote(looseText(input))) === looseText(input), 'also as text')
    }),
}

export const checkpoint: Subject = {
  name: 'checkpoint',
  seeds: () => [
    bytesOf(checkpointText),
    bytesOf(`${checkpointText}extension\n`),
    bytesOf('a\n18446744073709551615\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n'),
  ],
  mutate: mutateText,
  judge: (input) =>
    refused(() => {
      const text = looseText(input)
      const { extensions, ...parsed } = parseCheckpoint(text)
      hold(
        formatCheckpoint(parsed) + extensions.map((line) => `${line}\n`).join('') === text,
        'a checkpoint has one spelling',
      )
      hold(parsed.size >= 0n && parsed.size < 2n ** 64n, 'a size has 64 bits')
    }),
}

export const verifierKey: Subject = {
  name: 'verifier-key',
  seeds: () => [...logKeys, ...cosignerKeys].map((key) => bytesOf(formatVerifierKey(key))),
  mutate: mutateText,
  judge: (input) =>
    refused(() => {
      const text = looseText(input)
      const key = parseVerifierKey(text)
      hold(formatVerifierKey(key) === text, 'a key has one spelling')
      hold(Object.values(signatureType).includes(key.type), 'its type is known')
    }),
}

export const proofFile: Subject = {
  name: 'proof-file',
  seeds: () => {
    const extra = formatProofFile({ extra: new Uint8Array(9), index: 2n ** 64n - 1n, path: [], note: noteBy([1]) })
    return [...[0, 5, 12].map((index) => proofFileOf(index)), extra].map(bytesOf)
  },
  mutate: mutateText,
  judge: (input) =>
    refused(() =>
      hold(sameBytes(utf8(formatProofFile(parseProofFile(input))), input), 'a proof file has one spelling'),
    ),
}

export const policy: Subject = {
  name: 'policy',
  seeds: () => [
    bytesOf(policyText),
    bytesOf('# nothing\n\n \tquorum none\n'),
    bytesOf(policyText.replace('group members 3', 'group members all')),
  ],
  mutate: mutateText,
  judge: (input) =>
    refused(() => {
      const { groups, witnesses, quorum } = parsePolicy(input)
      const names = [...witnesses.map(({ name }) => name), ...groups.map(({ name }) => name)]
      hold(new Set(names).size === names.length, 'no name twice')
      hold(quorum === 'none' || names.includes(quorum), 'the quorum is something')
      for (const { threshold, members } of groups) {
        hold(threshold >= 1 && threshold <= members.length, 'a threshold can be met, and not by nobody')
        for (const member of members) hold(names.includes(member), 'a member is something')
      }
    }),
}

/** A proof file, its entry and a policy in one input, so that each is mutated with the others valid. */
export const verify: Subject = {
  name: 'verify',
  seeds: () =>
    [0, 7].map((index) =>
      bytesOf([proofFileOf(index), Buffer.from(entries[index]!).toString('utf8'), policyText].join(divider)),
    ),
  mutate: mutateText,
  judge: (input) =>
    refused(() => {
      const [proof = '', entryText = '', policyGiven = policyText] = looseText(input).split(divider)
      const entry = utf8(entryText)
      const verified = verifyProofFile({ policy: policyGiven, proofFile: proof, entry })
      hold(verified.index < verified.size && verified.size === BigInt(size), 'it is of the tree that was signed')
      hold(toHex(verified.root) === toHex(rootOf(size, read)), 'under its root')
      const original = entries[Number(verified.index)]!
      hold(sameBytes(entry, original), 'the entry is the one at its place')
    }),
}
const divider = '\n~~~~\n'
const isRoot = (root: Uint8Array, of: number): boolean => sameBytes(root, rootOf(of, read))

export const tilePaths: Subject = {
  name: 'tile-path',
  seeds: () =>
    [
      'tile/0/000',
      'tile/63/x001/x234/067.p/255',
      'tile/entries/x009/999',
      'tile/entries/000.p/1',
      'tile/8/x009/x007/x199/x254/x740/990',
    ].map(bytesOf),
  mutate: mutateText,
  judge(input) {
    const text = looseText(input)
    const address = parseTilePath(text)
    if (address === undefined) return 'no path'
    const { index, width } = address
    hold(
      (address.kind === 'entries' ? entriesPath(index, width) : tilePath(address.level, index, width)) === text,
      'a path has one spelling',
    )
    return accepted
  },
}

/** The first byte says how many entries are expected. */
export const bundle: Subject = {
  name: 'entry-bundle',
  seeds: () =>
    [[1], [0, 5, 300], Array.from({ length: 256 }, (_, i) => i)].map((lengths) => {
      const bytes = encodeEntryBundle(lengths.map((length) => new Uint8Array(length).fill(length)))
      return new Uint8Array(Buffer.concat([Uint8Array.of(lengths.length - 1), bytes]))
    }),
  mutate: mutateBytes,
  judge: (input) =>
    refused(() => {
      const width = (input[0] ?? 0) + 1
      const bytes = input.subarray(1)
      const list = decodeEntryBundle(bytes, width)
      hold(list.length === width && sameBytes(encodeEntryBundle(list), bytes), 'a bundle has one spelling')
    }),
}

type Name = 'index' | 'size' | 'leaf' | 'path' | 'root' | 'from' | 'fromRoot' | 'consistency'

/** Claims as a program hands them over that took them from somebody's JSON: any value may stand anywhere. */
export const claims: Subject = {
  name: 'proof-claims',
  seeds: () => {
    const hex = (digest: Uint8Array): string => toHex(digest)
    return [0, 6, 12].map((index) =>
      bytesOf(
        JSON.stringify({
          index,
          size,
          leaf: hex(leafHash(entries[index]!)),
          path: inclusionPath(index, size, read).map(hex),
          root: hex(rootOf(size, read)),
          from: 5,
          fromRoot: hex(rootOf(5, read)),
          consistency: consistencyPath(5, size, read).map(hex),
        }),
      ),
    )
  },
  mutate: mutateJson,
  judge: (input) => {
    const text = textOf(input)
    let value: unknown
    try {
      value = JSON.parse(text ?? '')
    } catch {
      return 'not JSON'
    }
    if (typeof value !== 'object' || value === null) return 'not JSON'
    const { index, size: claimed, leaf, path, root, from, fromRoot, consistency } = value as Record<Name, never>
    const digest = (item: unknown): never =>
      (typeof item === 'string' ? new Uint8Array(Buffer.from(item, 'hex')) : item) as never
    const digests = (items: unknown): never => (Array.isArray(items) ? items.map(digest) : items) as never
    const inclusion = refused(() => {
      verifyInclusion({ index, size: claimed, leaf: digest(leaf), path: digests(path), root: digest(root) })
      if (Number(claimed) === size && isRoot(digest(root), size)) {
        hold(sameBytes(digest(leaf), leafHash(entries[index]!)), 'the leaf is the one at its place')
      }
    })
    const extension = refused(() => {
      verifyConsistency({
        from,
        fromRoot: digest(fromRoot),
        to: claimed,
        toRoot: digest(root),
        path: digests(consistency),
      })
      if (Number(claimed) === size && isRoot(digest(root), size)) {
        hold(isRoot(digest(fromRoot), from), 'the older root is the one of its size')
      }
    })
    return inclusion === accepted ? extension : inclusion
  },
}
