// SPDX-License-Identifier: Apache-2.0
// What the dashboard uses of xterm.js.
export class Terminal {
	constructor(options: { cols: number, rows: number, scrollback: number, screenReaderMode?: boolean, fontFamily?: string, convertEol?: boolean });
	readonly textarea: HTMLTextAreaElement | undefined;
	open(parent: HTMLElement): void;
	write(data: Uint8Array | string): void;
	focus(): void;
	paste(data: string): void;
	onData(fn: (data: string) => void): void;
	onBinary(fn: (data: string) => void): void;
}
