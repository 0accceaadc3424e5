using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DialogueServer.Tests")]
[assembly: InternalsVisibleTo("DialogueServer.Unity.Editor")]
