/** What commands print. @module */

/** Prints a line for people. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints JSON, or what people read. */
export function show(options: { readonly json?: boolean }, value: unknown, forPeople: () => string): void {
  print(options.json === true ? JSON.stringify(value, undefined, 2) : forPeople())
}
