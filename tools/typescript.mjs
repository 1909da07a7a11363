/** For node --import: runs TypeScript sources as they are. Functions get no names but their own: a loader that gives them names makes hot code half as fast. */
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
process.setSourceMapsEnabled(true);
