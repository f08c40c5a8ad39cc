import type { World } from './world.ts'
export const tricks: readonly string[] = []
export function installLiars(_world: World, _liars: Readonly<Record<string, readonly string[]>>): void {}
