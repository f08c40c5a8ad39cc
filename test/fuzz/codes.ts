/** The stable codes: those with words in Chinese and English. */
import { everyText } from '../../src/node/cli/messages.ts'

export const isDocumented = (code: string): boolean => Object.hasOwn(everyText(), code)
