/** What `import` gives: the class as default, and everything by name. It is the same code as `require` gives. */

export { RocketSDK as default } from './client.js';
export * from './exports.js';
