/** npm run conformance: writes docs/conformance.md. */
import { writeFileSync } from 'node:fs';
import { conformance } from './conformance.js';

writeFileSync(new URL('../../docs/conformance.md', import.meta.url), conformance());
