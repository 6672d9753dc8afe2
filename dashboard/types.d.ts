// SPDX-License-Identifier: Apache-2.0
// What Debian 12's TypeScript does not know yet, and the libraries use.
interface SymbolConstructor { readonly dispose: unique symbol; }
