import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `vite` finds the API while the app is being worked on. */
const API = process.env.MAILWRIGHT_URL ?? 'http://localhost:3000';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    // The oldest browsers that know light-dark(), which the theme is written with.
    target: ['chrome123', 'firefox128', 'safari17.5'],
  },
  server: { proxy: { '/v1': API } },
});
