/** The policy that a person gives to a command: read, or said to be unusable. */
import { type Policy, parsePolicy } from '../../chain/policy.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import { CommandFailure, exitCode } from './failure.ts'

/** A policy that cannot be read says nothing about what is checked with it: the command could not be carried out. */
export function policyOf(bytes: Uint8Array): Policy {
  try {
    return parsePolicy(bytes)
  } catch (error) {
    if (error instanceof VerificationError) throw new CommandFailure(error.code, error.message, exitCode.unusable)
    throw error
  }
}
