/**
 * Text from strangers, as people are shown it: what cannot be seen, or turns or hides what stands beside it, is written out (`\u202e`). So an amount
 * cannot be made to read backwards, two names that differ do not look alike for a character of no width, and no terminal is told what to do.
 * The list is fixed and does not ask the runtime's Unicode tables: a page that is made again elsewhere has to be the same page. Letters of
 * other scripts that look like ours are not told apart here; what identifies — codes and party ids — has alphabets of its own.
 */

const unseen = [
  '\\u0000-\\u001f\\u007f-\\u009f', // control characters
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f', // soft hyphen, joiners, fillers, the Arabic letter mark
  '\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f', // no width, line and paragraph separators, direction
  '\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb', // blanks that are letters, variation selectors, the byte order mark
  '\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}', // in shorthand and music, tags
].join('')

const unseenInLine = new RegExp(`[${unseen}]`, 'gu')
const unseenInText = new RegExp(`(?![\\n\\t])[${unseen}]`, 'gu')

/** One line: line feeds and tabs are written out, too. */
export const visibleLine = (text: string): string => text.replace(unseenInLine, escaped)

/** Lines stay lines, and tabs tabs. */
export const visible = (text: string): string => text.replace(unseenInText, escaped)

function escaped(character: string): string {
  const digits = character.codePointAt(0)!.toString(16).padStart(4, '0')
  return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits}`
}
