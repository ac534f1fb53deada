import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "**/*.gen.ts"] },
  js.configs.recommended,
  {
    files: ["{src,tests}/**/*.{ts,tsx}", "vite.config.ts", "vitest.config.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // What is left out of an object has to be named.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // Rows of a virtual list are drawn anew with it; nothing here is memoized by a compiler.
      "react-hooks/incompatible-library": "off",
      // TanStack Router navigates by throwing redirects.
      "@typescript-eslint/only-throw-error": "off",
    },
  },
  {
    files: ["tools/**/*.mjs", "public/**/*.js", "eslint.config.js"],
    languageOptions: {
      globals: { console: "readonly", process: "readonly", URL: "readonly", document: "readonly", localStorage: "readonly" },
    },
  },
);
