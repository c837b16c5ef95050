// A file that the browser saves, where its person has it save files: nothing of it goes anywhere else.

/** `parts`: joined as they are. */
export function saveFile(name: string, parts: readonly string[], type = 'text/plain'): void {
  const address = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
