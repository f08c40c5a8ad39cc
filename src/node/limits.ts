/**
 * The numbers that bound a node, each with its reason; docs/limits.md lists them with those of the formats (`chain`) and the API. What all
 * members must agree on is not here but in the genesis parameters.
 */

/** One tick of the consensus core. Heartbeats every tick, elections after the genesis' time-out: 1 s by default. */
export const tickMs = 100

/** Statements with a receipt and not yet on the ledger, at this node: about ten seconds of a full load. */
export const pendingStatementsMax = 20_000
/** Their bytes: what a node may hold in memory and journal for statements on their way. */
export const pendingBytesMax = 64 * 1024 * 1024
/** Submissions whose signature is being checked, and those that get a second look: beyond this, waiting costs more than asking again. */
export const uncheckedSubmissionsMax = 4_096
/** While a box for sealed bids is open: leaves are taken in, and the disk is written to, this often and at no other time. */
export const boxBeatMs = 1_000

/** So long a statement that would be refused waits for word of what is committed: two elections of the default length and a little. */
export const secondLookMs = 5_000

/**
 * A batch or block on its way makes the next one wait until it has this many records, or until it has arrived: under load the cost of a
 * block — a dozen signatures, several fsyncs — is shared by many, and an idle node does not wait at all.
 */
export const worthwhileRecords = 128
/** Batches on their way at once: on a long line the next ones fill and leave while the first are being agreed on. */
export const batchesInFlightMax = 4
/** Batches of one member that a leader keeps, 4 MiB at most: those in flight, of this start of the member and of the one before. */
export const pooledBatchesMax = 16
/** Batches of others that waited too long and are being watched (rule 28), 4 MiB for each of a few members. */
export const watchedBatchesMax = 64

/** Blocks sealed and not yet committed: while one is being locked the next ones are being acknowledged. */
export const blocksInFlightMax = 4
/** Blocks in flight to one follower (core, windowBytes). */
export const replicationWindowBytes = 4 * 1024 * 1024
/**
 * Messages of one peer that wait for their signatures, but for blocks, in bytes: as many batches as an honest one has on their way. What comes
 * beyond that holds its credit, so that a flood waits at its sender.
 */
export const uncheckedBytesMax = 1024 * 1024
/** Blocks that wait for their signatures or their time. */
export const uncheckedBlocksMax = 64
/** A leader that has nothing to seal carries the last attestation in an empty block after this long. */
export const idleAttestationMs = 300

/** Blocks of one answer to a catching-up node, beyond the first. */
export const catchUpBytes = 512 * 1024
/** A peer that does not answer a request for blocks within this time is left for another. */
export const catchUpTimeoutMs = 3_000
/** Of one committed block in at least so many a certificate is kept, for those who catch up. */
export const certificateEveryBlocks = 256
/** Blocks executed and not yet adopted while catching up: four times as many as lie between two certificates that are kept. */
export const catchUpUnprovenMax = 1_024

/** A node that follows without a part in consensus asks this often when there was nothing new: an empty answer costs next to nothing. */
export const followIntervalMs = 1_000

/** One stored block is read again in this time: a percent of a core at most, and a year of blocks in some months. */
export const scrubIntervalMs = 1_000

/** Cosignatures kept for sizes that this node has not committed yet. */
export const earlyCosignaturesMax = 4_096
/** Sizes that wait for their q cosignatures. */
export const openSizesMax = 1_024

/** Messages of one kind (of locks, and of votes and acknowledgements by their base: terms) that are remembered of each member’s seal key: some hundred blocks, 100 KB. */
export const heardWordsMax = 256
/** Checkpoints that are remembered of each member's cosign key, likewise. */
export const heardHeadsMax = 256
/** Who hands on a fault proof that convicts nobody is not listened to about that for so long: a proof may take milliseconds to check. */
export const badProofWaitMs = 10_000
/** A fault proof that is not on the ledger is reported again after this long, then after twice as long, and so on. */
export const reportAgainMs = 10_000
/** At last once an hour. */
export const reportAgainMaxMs = 3_600_000

/** Of warnings and errors that say the same of the same member one is written in this time: a flood fills no disk. */
export const sameLineMs = 10_000

/** Below this much free disk the node takes in no statements: replication and recovery go on. */
export const freeDiskMin = 256 * 1024 * 1024
/** A leader whose write cycle takes longer than this many election time-outs resigns (rule 12). */
export const diskLateTimeouts = 1
