// What a WebAssembly program asks of its system: files in memory, a clock, random numbers.
export {
  ConsoleStdout, Directory, File, OpenFile, PreopenDirectory, WASI,
} from "@bjorn3/browser_wasi_shim";
