// How the page's scripts are linted. Names and types are the type checker's (tsconfig.json).

import js from "@eslint/js";
import globals from "globals";
import typescript from "typescript-eslint";

const SCRIPTS = "spaces_bridge/web/static/js";

export default [
  js.configs.recommended,
  {
    files: [`${SCRIPTS}/**/*.js`],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      globals: globals.browser,
      parser: typescript.parser,
      parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname },
    },
    plugins: { typescript: typescript.plugin },
    rules: {
      eqeqeq: "error",
      "no-implicit-globals": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "prefer-const": "error",
      // a promise that nobody waits for says so: `void …`
      "typescript/await-thenable": "error",
      "typescript/no-floating-promises": "error",
      "typescript/no-misused-promises": "error",
      "typescript/ban-ts-comment": [
        "error",
        { "ts-expect-error": "allow-with-description", "ts-nocheck": true, "ts-ignore": true },
      ],
    },
  },
  {
    // for browsers of any age
    files: [`${SCRIPTS}/unstarted.js`],
    languageOptions: { sourceType: "script" },
    rules: { "no-var": "off" },
  },
];
